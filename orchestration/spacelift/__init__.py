"""The vendor, in plain Python: credentials to token, HTTPS, what the two usage files hold."""
