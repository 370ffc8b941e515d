"""What `device_check.py` needs of a GPU machine: torch, triton, and the driver's library."""
