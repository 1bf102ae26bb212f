"""Moving a whole database: into an archive and back, to another server, from the original."""
