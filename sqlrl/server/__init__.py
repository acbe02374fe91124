"""The layer as a service: for browsers and programs over HTTP, for language models over the Model Context Protocol."""
