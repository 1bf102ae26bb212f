"""What the faces (command line, web) may ask for."""
