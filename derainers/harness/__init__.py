"""Running a derainer: loading it, whoever wrote it, and holding it to what every derainer must do."""
