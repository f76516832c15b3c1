"""Pictures: shapes, light, scenes, and what a cheap camera makes of them."""
