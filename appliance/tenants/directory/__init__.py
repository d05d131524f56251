"""The company's directory: people and groups handed in by SCIM, OIDC or LDAP, and taken away as fast."""
