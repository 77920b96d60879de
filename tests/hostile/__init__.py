"""Bad input against a live server: it answers as AWS does, changes nothing, and goes on."""
