"""RTMP: how encoders (OBS, ffmpeg, a camera app) send their picture. Start at server.py."""
