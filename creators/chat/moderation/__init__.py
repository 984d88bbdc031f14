"""How a show's chat is kept civil: who may do what, what they did, and how it is undone."""
