"""Draws result folders of `reprise replay --output` and of experiments as one page."""
