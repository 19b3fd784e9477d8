"""What is in the cloud and should not be, or should be and is not: `survey` looks, `scan` judges, `removal` deletes."""
