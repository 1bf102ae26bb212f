"""What libraries behind a media server share: options, listing, reading, writing, errors."""
