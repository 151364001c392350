"""What is said to the reader or about the answer, and not about the topic."""

from __future__ import annotations

import re

# Questions, headings, introductions of lists; greetings, and what a chat model says of itself.
TALK = re.compile(
    r"""\s*(?:\#.*|\*\*[^*]+\*\*[:：]?|.*[?？:：])["'”’」』）)*]*\s*$
      | \W*(?:(?:sure|hello|hi|hey|there|yes|no|thanks|thank\ you|sorry|welcome|certainly
          |of\ course)\b\W*)*
        (?:$|(?:i|let\ me|let\ us|let's|feel\ free|here\ (?:is|are)|as\ an\ ai
          |please\ (?:ask|feel|let|provide)|if\ you\ (?:have|need|want|would)
          |you(?:['’]re|\ are)\ welcome|(?:this|that)\ is\ an?\ (?:great|good)\ question)\b)
      | \W*(?:你好|您好|当然|好的|谢谢|抱歉|对不起|我|如果[您你]|希望|请)""",
    re.X | re.I | re.S,
)
# What an answer says of the passages it was given: that they do not tell.
ABOUT_PASSAGES = re.compile(
    r"""\W*(?:(?:unfortunately|however|therefore|but|note\ that)\W+)*
        (?:(?:it\ is\ )?unable\ to\b
          |(?:based\ on\ )?the\ (?:\w+\ )?(?:passages?|documents?|texts?|context|information)\b
           (?=[^.]*\b(?:not|unable|cannot|sufficient)\b))""",
    re.X | re.I,
)
# Where an answer names its source: "Based on the given passages, ...", "... (Passage 2)."
SOURCE = re.compile(
    r"""\(?\b(?:(?:according\ to|based\ on|as\ stated\ in|from|in)\ )?
        (?:(?:the|these|this)\ )?(?:(?:given|provided|above)\ )?
        (?:passages?\ \d(?:(?:,|\ and|\ or|,\ and)\ (?:passage\ )?\d)*
          |(?:given|provided|above)\ (?:passages?|documents?|texts?|context|information)
          |(?<=\ the\ )passages?)
        (?:\ (?:mentions?|states?|provides?|explains?|says?|recommends?|suggests?|describes?
          |discusses|notes?|indicates?)\ (?:that\ )?)?\)?,?""",
    re.X | re.I,
)
