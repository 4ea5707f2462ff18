"""Measuring: intervals, matching, agreement, and what each question is answered with."""
