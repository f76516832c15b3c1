"""Read models over a store: the only part of the web application that knows one."""
