"""Attention kernels whose times stand for vLLM's, and their ahead-of-time compiler."""
