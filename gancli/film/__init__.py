"""Films of training: previews over steps, several runs side by side, as GIF, WebP and MP4."""
