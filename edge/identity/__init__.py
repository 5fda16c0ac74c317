"""Who is it? Sign-in by OpenID Connect, local accounts or a proxy; sessions, the doors of a web server, the audit."""
