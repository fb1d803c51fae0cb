"""Pictures: ``draw_*(data..., *, ax)`` draws on the axes that it is given and returns None."""
