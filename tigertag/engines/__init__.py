"""The engines that come with TigerTag, one file each."""
