"""Video: what comes in from cameras and encoders, what viewers are served, what is kept."""
