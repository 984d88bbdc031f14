"""The demo's pictures, drawn as SVG: `python -m liveshop.demo.drawing` writes them again."""
