"""The icons of the interface by name: 24 by 24 line drawings, in the colour of their text."""

from __future__ import annotations

from typing import Final

ICONS: Final = {
    "home": '<path d="M4 11l8-7 8 7v8.5a.5.5 0 0 1-.5.5H15v-6H9v6H4.5a.5.5 0 0 1-.5-.5z"/>',
    "invoice": '<path d="M6 3.5h12V20l-2-1.3-2 1.3-2-1.3-2 1.3-2-1.3L6 20z"/>'
    '<path d="M9 8h6M9 11.5h6M9 15h3"/>',
    "card": '<rect x="3" y="5.5" width="18" height="13" rx="2"/><path d="M3 10h18M6.5 15h4"/>',
    "payments": '<path d="M4 8h13M14 4.5L17.5 8 14 11.5M20 16H7M10 12.5L6.5 16 10 19.5"/>',
    "help": '<circle cx="12" cy="12" r="8.5"/>'
    '<path d="M9.7 9.7a2.4 2.4 0 1 1 3.4 2.2c-.8.4-1.1.9-1.1 1.7"/><path d="M12 16.6v.1"/>',
    "bank": '<path d="M4 9.5L12 4.5l8 5zM5.5 9.5V17M10 9.5V17M14 9.5V17M18.5 9.5V17M4 19.5h16"/>',
    "lock": '<rect x="5" y="10.5" width="14" height="9.5" rx="2"/>'
    '<path d="M8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5"/>',
    "warn": '<path d="M12 4l9 16H3z"/><path d="M12 10v4.5M12 17.2v.1"/>',
    "info": '<circle cx="12" cy="12" r="8.5"/><path d="M12 11v5M12 8v.1"/>',
    "ok": '<circle cx="12" cy="12" r="8.5"/><path d="M8.5 12.3l2.5 2.5 4.6-5"/>',
    "tick": '<path d="M5 12.5l4.5 4.5L19 7.5"/>',
    "cross": '<path d="M6.5 6.5l11 11M17.5 6.5l-11 11"/>',
    "download": '<path d="M12 4v11M7.5 11L12 15.5 16.5 11M5 19.5h14"/>',
    "print": '<path d="M7 9V4h10v5M7 17H4.5V9.5h15V17H17M7 14h10v6H7z"/>',
    "search": '<circle cx="11" cy="11" r="6.5"/><path d="M16 16l4 4"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "mail": '<rect x="3.5" y="5.5" width="17" height="13" rx="2"/><path d="M4 7l8 6 8-6"/>',
    "clock": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7.5V12l3 2"/>',
    "returned": '<path d="M9 6L4.5 10.5 9 15M5 10.5h9a5 5 0 0 1 0 10h-3"/>',
    "file": '<path d="M6 3.5h8l4 4V20.5H6z"/><path d="M14 3.5v4h4"/>',
    "flag": '<path d="M6 21V4M6 5h12l-2.5 4L18 13H6"/>',
    "menu": '<path d="M4 7h16M4 12h16M4 17h16"/>',
    "phone": '<path d="M6.5 4h3l1.5 4-2 1.5a11 11 0 0 0 5.5 5.5l1.5-2 4 1.5v3c0 1-.8 1.700'
    '-1.700 1.600A15.5 15.5 0 0 1 4.900 5.700C4.800 4.800 5.5 4 6.5 4z"/>',
    "copy": '<rect x="8.5" y="8.5" width="11" height="11.5" rx="2"/>'
    '<path d="M15.5 8.5V6a1.5 1.5 0 0 0-1.5-1.5H6A1.5 1.5 0 0 0 4.5 6v8.5'
    'A1.5 1.5 0 0 0 6 16h2.5"/>',
    "tray": '<path d="M4 13l2.5-8h11L20 13v6H4zM4 13h4.5l1.5 2.5h4L15.5 13H20"/>',
    "chevron": '<path d="M7 10l5 5 5-5"/>',
    "shield": '<path d="M12 3.5l7 2.5v5.5c0 4.5-3 7.5-7 9-4-1.5-7-4.5-7-9V6z"/>'
    '<path d="M9 11.800l2.200 2.200 4-4.300"/>',
}
