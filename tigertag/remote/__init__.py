"""What engines share that ask a service beyond the box."""
