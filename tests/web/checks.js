// What can be checked by script on any page: names of controls, contrast of text, text cut off.
() => {
  const shown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && element.getClientRects().length > 0;
  const brush = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = colour;
    brush.fillRect(0, 0, 1, 1);
    return [...brush.getImageData(0, 0, 1, 1).data].map((part) => part / 255);
  };
  const over = (top, below) => top.slice(0, 3).map((part, n) => part * top[3] + below[n] * (1 - top[3]));
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), rgba("Canvas").slice(0, 3));
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const where = (element) => `${element.tagName.toLowerCase()}.${element.getAttribute("class") ?? ""}: ${element.textContent.trim().slice(0, 40)}`;
  const name = (element) =>
    element.getAttribute("aria-label") || [...(element.labels ?? [])].map((label) => label.textContent).join(" ").trim() ||
    element.textContent.trim() || [...element.querySelectorAll("img")].map((image) => image.alt).join("") || element.title;

  const controls = [...document.querySelectorAll("button, a[href], input, select, textarea, summary, [role=button]")].filter(shown);
  const images = [...document.querySelectorAll("svg[role=img], img")].filter(shown);
  const texts = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    const exempt = element.closest("script, style, :disabled, .hidden-name, .still, .skip, option");
    if (walk.currentNode.textContent.trim() && !exempt && shown(element)) texts.push(element);
  }
  const faint = texts.map((element) => {
    const style = getComputedStyle(element);
    const back = ground(element);
    const ink = over(rgba(element.closest("svg") ? style.fill : style.color), back);
    return [contrast(ink, back), where(element)];
  });
  return {
    controls: controls.length,
    nameless: controls.filter((element) => !name(element)).map(where),
    silent: images.filter((image) => !image.hasAttribute("alt") && !image.getAttribute("aria-label")).map(where),
    texts: texts.length,
    faint: faint.filter(([ratio]) => ratio < 4.5).map(([ratio, place]) => `${ratio.toFixed(2)} ${place}`),
    wide: document.documentElement.scrollWidth - window.innerWidth,
    cut: texts.filter((element) => getComputedStyle(element).overflowX === "hidden" && element.scrollWidth > element.clientWidth + 1).map(where),
  };
}
