"""What the widgets show: the networks and their images, the record of the runtimes."""
