"""Ways past ASGI: ready websocket frames, handed to the transport below."""
