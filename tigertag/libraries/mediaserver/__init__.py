"""What libraries behind a media server share: how they are told of it, list it, and word faults."""
