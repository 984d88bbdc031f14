"""The origin's side of HLS: cut ffmpeg's MP4, keep a timeline of parts, serve playlists.

From bytes to players: `cutter` (MP4 into an `Init` and `Fragment`s), `timeline` (fragments into
parts and segments), `track` (a rendition's window, and who waits for more), `playlist` (its text),
`ring` (the same on disk), `output` (all renditions of a stream), `http` (the ASGI application that
players talk to) and `door` (its short way for playlists and parts).
"""
