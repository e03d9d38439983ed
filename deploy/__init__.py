"""What stands around a deployment: checks of the machine that it shall run on."""
