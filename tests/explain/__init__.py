"""What executing an operation takes."""
