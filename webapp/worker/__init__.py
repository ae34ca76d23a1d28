"""The worker process: claims desktops and makes true what their rows say."""
