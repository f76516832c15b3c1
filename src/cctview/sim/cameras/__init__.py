"""How the cameras hang, bend the picture and keep time; not what they see."""
