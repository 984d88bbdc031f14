"""What can be watched of a show after its end: the replay, its chapters, clips and pictures."""
