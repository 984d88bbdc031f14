"""The origin's side of HLS: cut ffmpeg's MP4, keep a timeline of parts, serve playlists.

From bytes to players: `cutter` (MP4 into an `Init` and `Fragment`s), `track` (a rendition's
timeline: parts, segments, runs, who waits), `playlist` (its text), `ring` (the same on disk),
`output` (all renditions of a stream), `http` (the ASGI application that players talk to).
"""
