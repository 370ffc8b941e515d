"""Times the attention kernels of installed packages on the batches of a Reprise plan."""
