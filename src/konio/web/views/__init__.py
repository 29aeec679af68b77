"""What the routes do, one module for each subject. Who may call them is decided in `konio.web.gate`."""
