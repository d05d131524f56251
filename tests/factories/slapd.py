"""Debian's slapd, as a child of the tests on loopback: LDAPS and StartTLS with a certificate of our own."""

import ipaddress
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance.kit import clock
from tests.factories.processes import until

BASE = "dc=corp,dc=example"
ADMIN = f"cn=admin,{BASE}"
PASSWORD = "admin's password"
PROGRAM = shutil.which("slapd", path="/usr/sbin:/usr/bin")
CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {home}/slapd.pid
TLSCACertificateFile {home}/ca.pem
TLSCertificateFile {home}/cert.pem
TLSCertificateKeyFile {home}/key.pem
security tls=1
sizelimit 100
database mdb
suffix "{base}"
rootdn "{admin}"
rootpw "{password}"
directory {home}/db
maxsize 67108864
access to attrs=userPassword by anonymous auth by * none
access to * by * read
"""


@dataclass(frozen=True, slots=True)
class Slapd:
    """A server that runs. ``ca`` is the PEM to trust."""

    ldaps: int
    ldap: int
    ca: str
    home: Path

    def change(self, ldif: str) -> None:
        """Change the directory as its administrator."""
        self._tool("/usr/bin/ldapmodify", ldif)

    def add(self, ldif: str) -> None:
        """Add entries as its administrator."""
        self._tool("/usr/bin/ldapadd", ldif)

    def clear(self) -> None:
        """Forget all people and groups."""
        environment = {"LDAPTLS_CACERT": str(self.home / "ca.pem"), "PATH": "/usr/bin:/bin"}
        known = ["-x", "-H", f"ldaps://127.0.0.1:{self.ldaps}", "-D", ADMIN, "-w", PASSWORD]
        subprocess.run(["/usr/bin/ldapdelete", *known, "-r", BASE], env=environment, check=True, capture_output=True)
        self.add(UNITS)

    def _tool(self, name: str, ldif: str) -> None:
        command = [name, "-x", "-H", f"ldaps://127.0.0.1:{self.ldaps}", "-D", ADMIN, "-w", PASSWORD]
        environment = {"LDAPTLS_CACERT": str(self.home / "ca.pem"), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, input=ldif, text=True, capture_output=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr


def person(uid: str, name: str, password: str | None = None) -> str:
    """LDIF of a person."""
    secret = f"userPassword: {password}\n" if password else ""
    return f"dn: uid={uid},ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {name}\nsn: {uid}\n{secret}\n"


def group(name: str, *members: str) -> str:
    """LDIF of a group; it has a member at least, so its own name stands in for none."""
    listed = "".join(f"member: uid={member},ou=people,{BASE}\n" for member in members)
    return f"dn: cn={name},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: {name}\nmember: {BASE}\n{listed}\n"


UNITS = (
    f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Corp\n\n"
    f"dn: ou=people,{BASE}\nobjectClass: organizationalUnit\n\n"
    f"dn: ou=groups,{BASE}\nobjectClass: organizationalUnit\n\n"
)


@contextmanager
def running(home: Path) -> Iterator[Slapd]:
    """Start a server with two empty units, and end it."""
    assert PROGRAM is not None
    (home / "db").mkdir()
    ca = certificates(home)
    text = CONFIG.format(home=home, base=BASE, admin=ADMIN, password=PASSWORD)
    (home / "slapd.conf").write_text(text)
    server = Slapd(_free(), _free(), ca, home)
    urls = f"ldaps://127.0.0.1:{server.ldaps} ldap://127.0.0.1:{server.ldap}"
    log = (home / "log").open("wb")
    child = subprocess.Popen([PROGRAM, "-d", "0", "-f", str(home / "slapd.conf"), "-h", urls], stderr=log, stdout=log)
    try:
        until(lambda: child.poll() is not None or _listens(server.ldaps), 20)
        assert child.poll() is None, (home / "log").read_text()
        server.add(UNITS)
        yield server
    finally:
        child.terminate()
        child.wait(10)
        log.close()


def certificates(home: Path, host: str = "127.0.0.1") -> str:
    """A new authority and a server's certificate by it; the authority's PEM."""
    authority = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    root = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Corp CA")])
    ca = (
        _certificate(root, root, authority.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
        .sign(authority, hashes.SHA256())
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    certificate = (
        _certificate(name, root, key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        .sign(authority, hashes.SHA256())
    )
    private = serialization.PrivateFormat.PKCS8
    (home / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    (home / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (home / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
    return (home / "ca.pem").read_text()


def _certificate(name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = clock.now()
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=name,
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - timedelta(hours=1),
        not_valid_after=now + timedelta(days=1),
    )


def _free() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
