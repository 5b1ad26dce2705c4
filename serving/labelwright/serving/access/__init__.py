"""Who may call a server: TLS, tokens, scopes."""
