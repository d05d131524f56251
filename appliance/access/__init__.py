"""Who is asking and what they may do: TenantId, Principal, roles. No tables."""
