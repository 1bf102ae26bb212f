"""Shared by the engines that send pictures to a service: threads, limits, JPEGs and errors."""
