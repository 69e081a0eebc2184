"""Words that give an answer to someone else: to people, other sources, quoted texts, or another question.

A model's own view ("I think", "we chose") and what the question shows ("according to the chart") are not hearsay.
"""

import re

_KIN = (
    r"(?:friend|colleague|classmate|teacher|professor|tutor|boss|neighbou?r|doctor|brother|sister|mother|father|mom|dad"
    r"|uncle|aunt|wife|husband|son|daughter|cousin|roommate|partner|team|student)s?"
)
_SOURCE = (
    r"(?:(?:web|quiz )?sites?|forums?|comments?|commenters?|internet|online|wikipedia|google|reddit|quora|blogs?"
    r"|youtube"
    r"|chat ?gpt|gpt-?\d?\w*|chatbots?|textbooks?|answer (?:key|sheet)s?|solution manual|experts?|polls?|surveys?"
    r"|annotators?|users?|critics|crowd|majority|rumou?rs?|posters?|stickers?|slides?|articles?|newspapers?|hints?)"
)
_SAYS = (
    r"(?:says|said|saying|thinks|thought|believes|believed|claims|claimed|argues|argued|insists|insisted|maintains"
    r"|suspects|swears|reckons|guesses|guessed|assumes|replies|replied|replying|told|assured|suggested|voted"
    r"|recommends|prefers|announced|declares)"
)
_DID = r"(?:chose|chosen|picked|selected|answered|wrote|went with|voted for|opted for|gave|had)"
_ANOTHER = r"(?:previous|earlier|last|next|preceding|other|another|different|sample|practice|warm-?up)"
_ASKED = r"(?:question|problem|exercise|example|task|quiz|round|test|item)s?"
_VISIBLE = (
    r"(?:law|theorem|rule|principle|formula|definition|equation|analysis|calculations?|observations?|measurements?)"
)
_EVIDENT = (
    r"(?:shows|suggests|indicates|means|implies|confirms|reveals|demonstrates|proves|tells us|concludes|supports|seems"
    r"|appears|follows|this|thus)"
)
"""Verbs of evidence. In "the chart shows that the answer is B", the chart is not someone else's opinion."""

QUOTING = re.compile(
    r"\b(?:reads?|shows?|displays?|states?|print(?:s|ed)|written|texts?)[\s:,]{0,4}(?:\"[^\"]{0,200}|'[^']{0,200})\Z",
    re.IGNORECASE,
)
"""Words that quote what follows: a note that reads "the answer is"."""
REPORTED = re.compile(
    rf"\b{_SAYS}\b(?! that there (?:is|are)\b)"
    rf"|\b(?!{_EVIDENT}\b)\w{{3,}}s that (?:the (?:\w+ )?(?:answer|option|choice)|it)\b"
    # they believe; experts say; many people choose
    r"|\b(?:they|you|\w{2,}s|people|some|everyone|everybody|someone|somebody)(?: \w+ly| would| will| often| might)?"
    r" (?:say|think|believe|claim|argue|insist|swear|guess|assume)\b"
    r"|\b(?:many|most|others) (?:would|will|might|may) (?:say|think|believe|claim|guess|assume)\b"
    r"|\b(?:many|most(?= people| \w{2,}s\b)|some|people|others|someone|somebody|students?|everyone|they"
    r"|you(?! should| need| have))(?: \w+){0,2}"
    rf" (?:choose|pick|answer|call|vote|give|{_DID})\b"
    # my brother picked; another model chose; the user is sure
    rf"|\b(?:the|an?|my|your|his|her|our|their|another|he|she)(?: (?!and\b|so\b|I\b|we\b)[\w-]+){{0,3}} {_DID}\b"
    r"|(?<!\bit )\bis (?:\w+ly )?(?:sure|convinced|of the opinion|confident)\b"
    # I was told; I heard; it is said to be; rumour has it
    r"|\bI (?:was|am|have been|'ve been) (?:told|informed)|\bI(?:'ve| have)? (?:just )?(?:heard|read)\b"
    r"|\b(?:supposedly|allegedly|reportedly|rumou?r\w*|hearsay|(?:is|are) (?:said|believed|reported|thought))\b"
    # according to my friend, but not according to the chart
    rf"|\baccording to (?:the|an?) (?:\w+ )?(?:{_KIN}|man|woman|boy|girl|child|character|speaker|author|narrator)\b"
    rf"|\baccording to (?:my|your|his|her|our|their|some|an?|one|another|him|them|you|people"
    rf"|(?-i:[A-Z][a-z]+(?=,)))\b(?! {_VISIBLE}\b)"
    rf"|\b(?:according to|on|in|by|from|per) (?:\w+ ){{0,2}}{_SOURCE}\b"
    rf"|\b(?:{_SOURCE}|(?:my|your|his|her|our|their) {_KIN})(?: [\w']+){{0,5}} (?:is|are|gives?|lists?|shows?|has"
    rf"|have|reads?|states?|points?|reports?|suggests?)\b"
    r"|\b(?:states?|reports?|lists?|writes?|wrote) (?:that )?(?:\w+ )?(?:\w+ )?(?:answer|option|choice)\b"
    # their answer; my friend's guess; the opposite of the answer
    r"|(?:(?<!\blet)(?<!\bit)(?<!\bthat)'s|\b(?:their|his|her|your|previous|earlier|wrong|incorrect|least|worst|second"
    r"|opposite of the|printed|proposed|popular|common|default|usual|typical|tempting|leaked))(?: \w+)? (?:answer"
    r"|option|choice|guess|opinion|view|pick)\b"
    r"|\banswer (?:in|on|from) (?:the|my|your|an?) (?:\w+ )?(?:key|sheet|book|exam|screenshot|manual|back)\b"
    # the word reads
    r"|\b(?:word|text|caption|sign|label|title|spelling)s? (?:is|are|reads?)\b"
    rf"|{QUOTING.pattern}"
    # the answer to the previous question; in question 3 we chose; last time
    rf"|\b{_ANOTHER} (?:{_ASKED}|one|time|image pair)\b|\b(?:as for|in|on) the other (?:picture|photo|image)\b"
    rf"|\b(?:yesterday|last (?:week|month|year|night))\b"
    rf"|\b{_ASKED} (?:no\.? ?|number |#)?\d+\b.{{0,100}}?\b(?:was|were|{_DID})\b"
    r"|[他她友人师](?:们|都)?(?:说|认为|觉得)",
    re.IGNORECASE,
)
"""Words before an option that make it the answer of others, or the answer to something else."""

ATTRIBUTED = re.compile(
    r"[)\]\"']*,?\s+(?:(?:or so|at least|that's what|that is what|is what|as)\s+)?"
    rf"(?:{_SAYS}|(?:the|an?|my|your|his|her|some|one|he|she)(?: \w+)? {_SAYS}|(?:they|you|people|some|experts"
    rf"|many) (?:say|think|believe|claim)"
    rf"|(?:according to|per) (?:(?:my|your|his|her|some|an?) \w+|(?:\w+ ){{0,2}}{_SOURCE}))\b",
    re.IGNORECASE,
)
"""The same right after an option: "B, says the user"."""
