"""Answers as models write them, with the letter that a careful person reads in each, or None: made up by hand.

Each block is the options of a question and its answers; `-` is an answer that chooses nothing.
"""

from __future__ import annotations

ANIMALS = ("bear", "rabbit", "cat", "dog")
VEHICLES = ("a red bus", "a green car", "two bikes", "a small boat")
POINTS = ("Point A", "Point B", "Point C", "Point D")
CLOSER = ("A is closer", "B is closer")
IMAGES = ("the second image", "the third image")
NUMBERS = ("2", "3", "4", "5")
CURRENTS = ("5 A", "10 A", "20 A", "40 A")
YES_NO = ("Yes", "No")
CHINESE = ("熊", "兔子", "猫", "狗")
PLACES = ("New York", "York", "New Jersey", "Washington, D.C.")
BLANK = ("", "", "", "")
LONG = (
    "The man is holding an umbrella",
    "The man is riding a horse",
    "The woman is reading a book",
    "None of the above",
)
SIDES = ("left", "right")
COLOURS = ("red", "dark red", "blue", "green and blue")

BLOCKS: list[tuple[tuple[str, ...], list[tuple[str, str]]]] = [
    (
        ANIMALS,
        [
            # a letter or an option and nothing else
            ("B", "B"), ("b", "B"), ("(B)", "B"), ("[B]", "B"), ("B.", "B"), ("B)", "B"), (" B \n", "B"), ("**B**", "B"),
            ("**(B)**", "B"), ("`B`", "B"), ("'B'", "B"), ("“B”", "B"), ("Ｂ", "B"), ("（Ｂ）", "B"), ("B</s>", "B"),
            ("B<|im_end|>", "B"), ("<s> B </s>", "B"), ("B<|endoftext|>", "B"), ("B<eos>", "B"), ("$B$", "B"),
            ("$\\boxed{B}$", "B"), ("\\boxed{B}", "B"), ("\\boxed{\\text{B}}", "B"), ("\\boxed{\\textbf{(B)}}", "B"),
            ("\\boxed{\\mathrm{B}}", "B"), ("\\boxed{B. rabbit}", "B"), ("\\boxed{rabbit}", "B"),
            ("<answer>B</answer>", "B"), ("<answer> (B) rabbit </answer>", "B"), ("<ANSWER>B</ANSWER>", "B"),
            ('{"answer": "B"}', "B"), ('```json\n{"answer": "B"}\n```', "B"), ('{"reason": "A is a bear", "answer": "B"}', "B"),
            ("<|begin_of_box|>B<|end_of_box|>", "B"), ("<CONCLUSION> B </CONCLUSION>", "B"),
            ("rabbit", "B"), ("Rabbit.", "B"), ("a rabbit", "B"), ("A rabbit.", "B"), ("The rabbit", "B"), ("RABBIT", "B"),
            ("B. rabbit", "B"), ("(B) rabbit", "B"), ("B: rabbit", "B"), ("B) Rabbit", "B"), ("B rabbit", "B"),
            ("**B. rabbit**", "B"), ("**B**: rabbit", "B"), ("**B. **rabbit", "B"), ("B - rabbit", "B"), ("Option B", "B"),
            ("option (B)", "B"), ("Option B: rabbit", "B"), ("Choice B.", "B"), ("- B", "B"), ("> B", "B"), ("# B", "B"),
            ("1. B", "B"), ("B\n\n", "B"), ("B!", "B"), ("B。", "B"),
            # declared
            ("The answer is B.", "B"), ("The answer is (B).", "B"), ("The answer is **B**.", "B"), ("Answer: B", "B"),
            ("**Answer: B**", "B"), ("**Answer:** B", "B"), ("Answer: **B**", "B"), ("Answer:B", "B"), ("ANSWER: B", "B"),
            ("The correct answer is B.", "B"), ("The correct option is (B) rabbit.", "B"), ("The best answer is: B", "B"),
            ("The answer is option B.", "B"), ("The answer is: \n\n(B) rabbit", "B"), ("So the answer is B", "B"),
            ("Therefore, the correct answer is:\n\n**B. rabbit**", "B"), ("The final answer is $\\boxed{B}$.", "B"),
            ("Final Answer: B", "B"), ("### Final Answer\nB", "B"), ("### Answer: B. rabbit", "B"), ("The answer would be B.", "B"),
            ("The answer should be B.", "B"), ("The answer must be B.", "B"), ("The right answer is B", "B"),
            ("My answer is B.", "B"), ("I choose B.", "B"), ("I would choose option B.", "B"), ("I'd go with B.", "B"),
            ("I pick B", "B"), ("I select (B).", "B"), ("I'll go with option B.", "B"), ("B is correct.", "B"),
            ("B is the correct answer.", "B"), ("Option B is correct.", "B"), ("(B) is the answer.", "B"),
            ("The correct choice is B.", "B"), ("Correct answer: B", "B"), ("Ans: B", "B"), ("The answer is b.", "B"),
            ("The answer is (b) rabbit", "B"), ("answer is B", "B"), ("The answer is probably B.", "B"),
            ("I think the answer is B.", "B"), ("I believe it is B.", "B"), ("The answer is most likely B.", "B"),
            ("The answer is rabbit.", "B"), ("The answer is a rabbit.", "B"), ("Answer: rabbit", "B"), ("It is a rabbit.", "B"),
            ("This is a rabbit.", "B"), ("The animal in the image is a rabbit.", "B"), ("It's B.", "B"), ("It's a rabbit", "B"),
            ("The picture shows a rabbit sitting on grass.", "B"), ("Based on the image, the answer is B.", "B"),
            ("The letter is B.", "B"), ("Selected option: B", "B"), ("Definitely B.", "B"), ("So B.", "B"), ("Thus, B.", "B"),
            ("The answer is B, rabbit.", "B"), ("The answer is B (rabbit).", "B"), ("The answer is rabbit (B).", "B"),
            ("The animal is a rabbit (B).", "B"), ("Rabbit (B)", "B"), ("The correct answer is (B) because of its long ears.", "B"),
            ("The answer is B because the cat is absent.", "B"), ("B because of the ears", "B"), ("B, because it has long ears.", "B"),
            ("B since it has long ears", "B"), ("The answer is B and not C.", "B"), ("The answer is B, not C.", "B"),
            ("It is B, not A.", "B"), ("B, not C", "B"), ("Not A but B.", "B"), ("Rather than A, the answer is B.", "B"),
            # what opens the answer, others mentioned
            ("B. Option A shows a bear, which is absent.", "B"), ("(B) Option C would need whiskers.", "B"),
            ("**B**\n\nOption D shows a dog.", "B"), ("B\nExplanation: Option C would need whiskers.", "B"),
            ("B\n\nA is wrong because there is no bear.", "B"), ("B. The animal has long ears. A cat has short ones.", "B"),
            ("B) rabbit. The dog (D) is not in the picture.", "B"), ("B. rabbit\n\nC. cat is wrong, since it has short ears.", "B"),
            ("(B)\n\nThe picture shows long ears, unlike (C) or (D).", "B"), ("B: not A, which is a bear", "B"),
            ("Rabbit. A cat has shorter ears.", "B"), ("**Answer: B**\n\nExplanation: A, C and D are not shown.", "B"),
            ("The answer is B. Option C would need whiskers.", "B"),
            ("The correct answer is B. Here is why: it has long ears. Option A is a bear, and option C has whiskers.", "B"),
            ("Option A: no bear. Option B: there it is. The correct answer is B.", "B"),
            ("A. bear: no.\nB. rabbit: yes, it has long ears.\nC. cat: no.\nD. dog: no.\n\nAnswer: B", "B"),
            ("Looking at the options:\n(A) bear\n(B) rabbit\n(C) cat\n(D) dog\n\nThe animal has long ears.\n\n(B) rabbit", "B"),
            ("Options: A. bear B. rabbit C. cat D. dog. The answer is B.", "B"),
            ("First, I thought the answer is A, but looking again the answer is B.", "B"),
            ("The answer is A. Wait, no. The answer is B.", "B"), ("Answer: A\nCorrection: Answer: B", "B"),
            ("At first sight it is a cat. But the ears are long. Therefore, the answer is (B).", "B"),
            ("A is wrong. C is wrong. D is wrong. So B.", "B"), ("It is not A, C or D, so the answer is B.", "B"),
            ("We can eliminate A, C, and D. The answer is B.", "B"), ("It is not a cat but a rabbit.", "B"),
            ("It is a rabbit, not a dog.", "B"), ("The answer cannot be A. The answer is B.", "B"),
            ("First I thought \\boxed{C}, but looking again \\boxed{B}", "B"),
            ("The gap is \\boxed{\\langle H\\rangle \\ll \\Delta D} for this case.\n\n**Answer: B**", "B"),
            ("So the area is \\boxed{A + c}.\n\n**Answer: B**", "B"),
            ("Let A be the area. A = 5. The answer is B.", "B"),
            ("I am not sure, but I think the answer is B.", "B"), ("Hard to say, but the answer is B.", "B"),
            ("Although D might seem right, the answer is B.", "B"), ("You might think it is C, but the answer is B.", "B"),
            ("Is it A? No. Is it B? Yes. The answer is B.", "B"), ("Step 1: look. Step 2: think. Answer: B", "B"),
            ("Question: What is it?\nAnswer: B", "B"), ("Assistant: B", "B"), ("A: rabbit", "-"),
            ("Sure! The answer is B.", "B"), ("Thank you for the question. The answer is B. Have a nice day!", "B"),
            ("The answer is B.\n\nNote that option A describes a bear.", "B"), ("The answer is B. A rabbit has long ears.", "B"),
            ("The answer is B. I hope this helps!", "B"), ("B is the best choice, as C lacks the ears.", "B"),
            ("Both C and D have short ears. B is the right one.", "B"), ("Option B matches the image best.", "B"),
            ("Based on the ears, option B is the most accurate description.", "B"), ("Among the options, B fits best.", "B"),
            # reasoning
            ("<think>Answer: A</think>B", "B"), ("<thinking>Answer: A</thinking>\nB", "B"), ("[THINK]A[/THINK]B", "B"),
            ("<reasoning>The answer is A?</reasoning>\nB", "B"), ("<THINK>Answer: A</THINK>B", "B"),
            ("◁think▷Answer: A◁/think▷B", "B"), ("<seed:think>Answer: A</seed:think>B", "B"),
            ("<|begin_of_thought|>Answer: A<|end_of_thought|><|begin_of_solution|>B<|end_of_solution|>", "B"),
            ("The answer is A.</think>B", "B"), ("<think>The answer is B", "-"), ("<think>The answer is B.\n\nB", "-"),
            ("<think>A</think><answer>B</answer>", "B"), ("<think>\n\n</think>\n\nB", "B"), ("<think><think>A</think>B", "B"),
            ("<think>a</think>wait<think>b</think>The answer is B.", "B"), ("[THINK]The answer is B", "-"),
            # nothing is chosen
            ("", "-"), (".", "-"), ("?", "-"), ("I don't know.", "-"), ("I cannot see the image.", "-"),
            ("B or C", "-"), ("A, B", "-"), ("A and B", "-"), ("B/C", "-"), ("ABCD", "-"), ("The answer is A or B.", "-"),
            ("The answer is either B or C.", "-"), ("The answer could be B.", "-"), ("It might be B.", "-"), ("Maybe B", "-"),
            ("Perhaps B.", "-"), ("It may be a rabbit.", "-"), ("Possibly B.", "-"), ("The answer might be B.", "-"),
            ("It could be a rabbit or a cat.", "-"), ("The answer is not B.", "-"), ("B is wrong.", "-"), ("Not B.", "-"),
            ("It cannot be B.", "-"), ("It isn't a rabbit.", "-"), ("It is not a rabbit.", "-"), ("There is no rabbit.", "-"),
            ("B is incorrect.", "-"), ("B can be ruled out.", "-"), ("Option B is not correct.", "-"), ("Neither B nor C.", "-"),
            ("I would exclude B.", "-"), ("The answer is not a rabbit.", "-"), ("B?", "B"), ("Is it B?", "-"), ("Is it a rabbit?", "-"),
            ("B seems unlikely.", "-"), ("I doubt it is B.", "-"), ("I don't think it is B.", "-"), ("I don't think the answer is B.", "-"),
            ("The answer is E.", "-"), ("E", "-"), ("The answer is horse.", "-"), ("horse", "-"), ("A horse", "-"),
            ("A photo of a horse", "-"), ("A. dog", "-"), ("(A) dog", "-"), ("A: dog", "-"), ("The answer is A. dog", "-"),
            ("The answer is (A) dog.", "-"), ("The animal is a dog (A).", "-"), ("It is a dog, so the answer is A.", "-"),
            ("A - a dog", "-"), ("\\boxed{A. dog}", "-"), ("Dog (A)", "-"), ("**A. dog**", "-"), ("A\n\ndog", "-"),
            ("The U.S.A. is a country.", "-"), ("D-Day was in 1944.", "-"), ("The current is 20 A.", "-"), ("20 A", "-"),
            ("Vitamin C", "-"), ("Plan B", "-"), ("Hepatitis B", "-"), ("It is 20 °C.", "-"), ("F = A + B", "-"),
            ("C++ is a language.", "-"), ("The R&B singer", "-"), ("Dr. D. Smith", "-"), ("George C. Scott", "-"),
            ("A = 5", "-"), ("the set A ∪ B", "-"), ("P(A) = 0.5", "-"), ("angle B", "-"), ("grade A", "-"), ("the letter A is red", "-"),
            ("x = B^2", "-"), ("$A = \\pi r^2$", "-"), ("The area A is 5.", "-"), ("I see a picture.", "-"), ("A", "A"), ("D", "D"),
            ("I", "-"), ("a", "A"), ("hotdog", "-"), ("bearing", "-"), ("A man and his horse", "-"), ("B-side of the record", "-"),
            ("The options are A. bear, B. rabbit, C. cat, D. dog.", "-"), ("A. bear\nB. rabbit\nC. cat\nD. dog", "-"),
            ("Options: (A) bear (B) rabbit (C) cat (D) dog", "-"), ("If the answer is B, it has long ears.", "-"),
            ("Whether it is B or not is unclear.", "-"), ("I can't tell whether it is A or B.", "-"), ("All of them", "-"),
            ("None of them", "-"), ("Both B and C are correct.", "-"), ("B and C", "-"), ("The answer is B. The answer is C?", "B"),
            ("Please choose one of A, B, C and D.", "-"), ("It depends.", "-"), ("To decide between A and B I need more.", "-"),
            ("Option A shows a bear. Option B shows a rabbit.", "-"), ("Option A shows a bear and option D", "-"),
            ("Compared to A, the ears are longer.", "-"), ("Unlike B, it has no ears.", "-"), ("The cat and the dog play.", "-"),
            ("The answer is A. The answer is B. I cannot decide.", "-"), ("Answer:", "-"), ("The answer is", "-"), ("Answer: A, B, C, D", "-"),
            ("The bear, the rabbit, the cat and the dog are all there.", "-"), ("Choose B?", "-"), ("Should I say B?", "-"),
        ],
    ),
    (
        VEHICLES,
        [
            ("It shows a green car.", "B"), ("green car", "B"), ("A green car is parked.", "B"), ("a red bus", "A"),
            ("A red bus", "A"), ("A. a red bus", "A"), ("A", "A"), ("A green boat", "-"), ("a bus", "-"), ("two bikes", "C"),
            ("There is a green car, not a red bus.", "B"), ("A red bus and a green car", "-"), ("A. a green car", "-"),
            ("The answer is A red bus.", "A"), ("The answer is A, a red bus.", "A"), ("There are two bikes in the picture", "C"),
            ("B. a green car. There is no red bus.", "B"), ("D) a small boat on a lake", "D"), ("The bus is red.", "-"),
        ],
    ),
    (
        POINTS,
        [
            ("Point B", "B"), ("point b", "B"), ("(B) Point B", "B"), ("The answer is Point B.", "B"), ("B", "B"),
            ("Point B in the second image corresponds to the REF point.", "B"), ("The corresponding point is Point C.", "C"),
            ("Therefore, the point that corresponds to REF is (D) Point D.", "D"), ("(A) Point B", "-"),
            ("Point A is on the handle. Point B is on the tip. Point C is on the blade. Point D is on the ring. "
             "The tip corresponds to REF, so the answer is (B).", "B"),
            ("Point A is on the handle. Point B is on the tip.", "-"), ("Neither Point A nor Point B.", "-"),
            ("Point A does not match. Point B does not match. Point C matches best.", "C"), ("None of the points match.", "-"),
            ("Thus, point D is the best match for the reference point.", "D"), ("Point E", "-"), ("Points A and B", "-"),
        ],
    ),
    (
        CLOSER,
        [
            ("A is closer", "A"), ("B is closer.", "B"), ("A is closer to the camera than B.", "A"), ("(A)", "A"), ("B", "B"),
            ("A is closer to the camera. The point labeled A is on the desk, while B is on the screen.", "A"),
            ("(A) A is closer", "A"), ("(A) B is closer", "-"), ("The answer is (B) B is closer.", "B"),
            ("A is not closer.", "-"), ("Point A and point B are marked.", "-"), ("A or B", "-"), ("B is closer than A.", "B"),
        ],
    ),
    (("B is closer", "A is closer"), [("A is closer", "B"), ("B is closer.", "A"), ("(A)", "A"), ("A", "A"), ("The answer is A.", "A")]),
    (
        IMAGES,
        [
            ("the second image", "A"), ("(A) the second image", "A"), ("The answer is:\n**(A) the second image**", "A"),
            ("(B) the second image", "-"), ("Therefore, the third image (C) is the missing part.", "-"),
            ("The second image is most similar to the first image.", "A"), ("The second image (A) is a better fit.", "A"),
            ("The third image fits. The second image does not fit.", "B"), ("The first image", "-"),
            ("The first image shows a street. The second image shows a car. The third image shows a bus.", "-"),
            ("Based on the edges, the third image (B) is the correct choice, unlike the second image (A).", "B"),
        ],
    ),
    (
        NUMBERS,
        [
            ("3", "B"), ("There are 3 dogs.", "B"), ("B. 3", "B"), ("(B) 3", "B"), ("B: there are 3", "B"), ("13", "-"), ("3.5", "-"),
            ("-3", "-"), ("There are 3 dogs and 2 cats.", "-"), ("The answer is 3.", "B"), ("A. 3", "-"), ("The answer is (B) 3.", "B"),
            ("three", "-"), ("2 + 1 = 3, so the answer is B.", "B"), ("I count 2 on the left and 1 on the right. Answer: 3", "B"),
            ("\\boxed{3}", "B"), ("$\\boxed{3}$", "B"), ("3 dogs", "B"), ("B (3)", "B"), ("3 (B)", "B"), ("The total is 3 (B).", "B"),
        ],
    ),
    (
        CURRENTS,
        [
            ("20 A", "C"), ("The current is 20 A.", "C"), ("C", "C"), ("C. 20 A", "C"), ("A", "A"), ("The answer is 20 A.", "C"),
            ("I = 100 V / 5 ohm = 20 A", "C"), ("30 A", "-"), ("The current is 30 A.", "-"), ("A. 20 A", "-"), ("15 A, so none", "-"),
        ],
    ),
    (
        YES_NO,
        [
            ("Yes", "A"), ("yes.", "A"), ("No", "B"), ("No, it is not.", "B"), ("Yes, there is.", "A"), ("A", "A"), ("B. No", "B"),
            ("A. Yes, the cat is there.", "A"), ("A. No", "-"), ("Yes or no", "-"), ("The answer is no.", "B"), ("(A) Yes", "A"),
        ],
    ),
    (
        CHINESE,
        [
            ("B", "B"), ("答案：B", "B"), ("答案是B。", "B"), ("答案为 B", "B"), ("正确答案是B", "B"), ("选B", "B"), ("选择B。", "B"), ("我选择 B", "B"),
            ("应该选B", "B"), ("选项B", "B"), ("B选项", "B"), ("B选项正确", "B"), ("因此，答案是（B）。", "B"), ("所以选B。", "B"), ("故选：B", "B"),
            ("故选B。", "B"), ("答案：**B**", "B"), ("【答案】B", "B"), ("B、兔子", "B"), ("B．兔子", "B"), ("B.兔子", "B"), ("兔子", "B"),
            ("图中是一只兔子。", "B"), ("这是兔子", "B"), ("不是A，是B", "B"), ("答案是兔子。", "B"), ("最终答案：B", "B"), ("A、B、C都不对，选D", "D"),
            ("A选项是熊，不对；B选项是兔子，正确。答案是B", "B"), ("可能是B", "-"), ("也许是B", "-"), ("不是B", "-"), ("B不对", "-"), ("B错误", "-"),
            ("A或B", "-"), ("A和B", "-"), ("不知道", "-"), ("熊猫", "-"), ("无法判断是A还是B", "-"), ("排除B", "-"), ("A. 狗", "-"), ("答案不是B", "-"),
            ("不选B", "-"), ("<think>选A</think>选B", "B"), ("B。因为图中没有熊（A）。", "B"), ("正确选项为：B. 兔子", "B"), ("应选 B。", "B"),
        ],
    ),
    (
        PLACES,
        [
            ("York", "B"), ("New York", "A"), ("It is New York.", "A"), ("Washington, D.C.", "D"), ("Washington D.C.", "D"), ("D.C.", "-"),
            ("(D) Washington, D.C.", "D"), ("The answer is Washington, D.C.", "D"), ("Jersey", "-"), ("The U.S. city is New York.", "A"),
        ],
    ),
    (
        BLANK,
        [
            ("B", "B"), ("(B) Point B", "B"), ("The answer is B.", "B"), ("Point B", "-"), ("Vitamin C", "-"), ("A picture", "-"), ("", "-"),
            ("The image shows (B)", "B"), ("Box A is larger than Box B.", "-"), ("Because it is red", "-"), ("Definitely C.", "C"),
        ],
    ),
    (
        LONG,
        [
            ("The man is riding a horse", "B"), ("The man is riding a horse.", "B"), ("B. The man is riding a horse.", "B"),
            ("The man is riding a horse, and the woman is reading a book.", "-"), ("None of the above", "D"), ("D. None of the above", "D"),
            ("The man is riding", "-"), ("In the picture, the man is riding a horse on the beach.", "B"), ("The answer is none of the above.", "D"),
            ("The man is not holding an umbrella. The man is riding a horse.", "B"), ("A. The man is riding a horse.", "-"),
        ],
    ),
    (
        SIDES,
        [
            ("left", "A"), ("The camera moves to the left.", "A"), ("The camera is moving to the right (clockwise).", "B"), ("B", "B"),
            ("(B) right", "B"), ("(A) right", "-"), ("left and right", "-"), ("It moves left, not right.", "A"), ("from left to right", "-"),
            ("The answer is (A) left. The cup is on the right of the plate.", "A"),
        ],
    ),
    (
        COLOURS,
        [
            ("red", "A"), ("dark red", "B"), ("It is dark red.", "B"), ("A. dark red", "-"), ("green and blue", "D"), ("blue", "C"),
            ("The car is red.", "A"), ("It is not red, it is blue.", "C"), ("B. dark red, not red", "B"), ("It is blue and red", "-"),
        ],
    ),
]  # fmt: skip
"""What the options are, and answers with what they choose."""

TABLE = [(text, choices, None if letter == "-" else letter) for choices, rows in BLOCKS for text, letter in rows]
