"""The killable worker pool: parent, child, the wire between them and the walls around the child."""
