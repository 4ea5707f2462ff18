"""What people type into a platform's search box that no page is for, written down by kind, beside what is fit.

Templates with choices, and words to fill them. Written by hand without sight of the planted queries and of the lists
that the checks have: what is learned from these is measured by those.
"""
