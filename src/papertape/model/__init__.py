"""The words papertape speaks: values without behaviour beyond what their meaning needs."""
