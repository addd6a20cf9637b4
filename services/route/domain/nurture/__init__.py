"""Nurture: what people get who are not ready for sales. Tracks and steps, limits, magnets, audiences. Pure; what is kept is store/nurture's."""
