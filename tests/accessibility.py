"""What axe-core finds in a part of a page, for the browser tests."""

from axe_playwright_python.sync_playwright import Axe

# What decides whether a text can be told from its background, for the text and all around it.
LOOK = ["color", "backgroundColor", "backgroundImage", "opacity", "fontSize", "fontWeight"]
LOOK += ["textShadow", "filter", "mixBlendMode", "position", "display", "visibility"]
# A chapter has a thousand tokens of code in eight looks: axe measures the contrast of the first of
# each look in a listing's line of ancestors.  Every other rule looks at every element.
RUN = """([context, options, properties]) => {
    const looks = new Map([[null, ""]]), seen = new Set();
    const look = (node) => {
        if (!looks.has(node)) {
            const style = getComputedStyle(node), own = properties.map((name) => style[name]);
            looks.set(node, `${own.join()} in ${look(node.parentElement)}`);
        }
        return looks.get(node);
    };
    for (const token of document.querySelectorAll("pre span:not(:has(*))")) {
        token.toggleAttribute("data-twin", seen.has(look(token)));
        seen.add(look(token));
    }
    axe.configure({ rules: [{ id: "color-contrast", selector: ":not([data-twin])" }] });
    return axe.run(context, options);
}"""


def violations(page, context: str, rules: list[str] | None = None) -> list[str]:
    """Return what axe-core finds in a part of the page: rule, impact, first element.

    context: a CSS selector.  rules: the rules to run, None for all.
    """
    options = {"resultTypes": ["violations"], "preload": False}  # file:// refuses its requests
    options |= {"runOnly": rules} if rules else {}
    page.evaluate(Axe().axe_script)
    found = page.evaluate(RUN, [context, options, LOOK])
    assert found["passes"] or found["violations"], "axe looked at nothing"
    return [
        f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]}"
        for one in found["violations"]
    ]
