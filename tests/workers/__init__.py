"""Several worker processes behind one port, over one data directory."""
