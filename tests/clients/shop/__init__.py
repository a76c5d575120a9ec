"""What the clients need of the bookshop besides the demo's declarations: files, and users who log in."""
