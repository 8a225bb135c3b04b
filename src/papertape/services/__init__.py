"""Services: the door for signals, the loop, and the projections of the tape."""
