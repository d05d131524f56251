"""Bundles: a model with its manifest, and perhaps a signature, in one uncompressed tar file. Needs no appliance."""

import io
import tarfile
from pathlib import Path

from appliance.catalog import entry, manifest, oms, sources, verify


def pack(directory: Path, bundle: Path, name: str, licence: str, key: Path | None) -> manifest.Manifest:
    """Write the bundle; what an import would refuse is refused here. Raises ``SourceRefused``, ``BadKey``."""
    files = tuple(_file(found) for found in sources.files(directory) if found.path not in manifest.BESIDE)
    dangers = verify.dangers(sources.snapshot(directory)[0]) if not _linked(directory) else ()
    if dangers:
        raise sources.SourceRefused(" ".join(dangers))
    known = entry.load().get(name)
    sealed = manifest.Manifest(
        name=name,
        kind=sources.kind_of(file.path for file in files),
        digest=manifest.digest_of(files),
        files=files,
        languages=known.languages if known else (),
        licence=known.licence.id if known else licence,
        source=f"packed from {directory.name}",
    )
    signature = oms.sign(files, name, key) if key else None
    part = bundle.with_name(f"{bundle.name}.part")
    with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, manifest.NAME, sealed.text().encode())
        if signature is not None:
            _add(archive, verify.SIGNATURE, signature.encode())
        for found in sources.files(directory):
            if found.path not in manifest.BESIDE:
                archive.addfile(_member(found.path, found.size), found.stream)
    part.rename(bundle)
    return sealed


def _file(found: sources.Found) -> manifest.File:
    return manifest.File(found.path, manifest.sha256_of(found.stream), found.size)


def _linked(directory: Path) -> bool:
    """A hub's cache is made of links, which the checks of a sealed directory refuse; the import looks at copies."""
    return sources.snapshot(directory)[1] is not None


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    archive.addfile(_member(name, len(content)), io.BytesIO(content))


def _member(name: str, size: int) -> tarfile.TarInfo:
    """The same bytes for the same files, whoever packs them: no owner, no time."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member
