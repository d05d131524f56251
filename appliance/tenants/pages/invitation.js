// The invitation's page: what follows the # of the address goes into a request's body, and nowhere else.
"use strict";
const TEXTS = {
  en: { mismatch: "The two passwords differ.", done: "You are in. Sign in as", missing: "This address lacks its end: copy the whole link.", away: "No answer. Try again." },
  "zh-Hans": {
    title: "您已受邀", hint: "请设置至少 12 个字符的密码。此链接只能使用一次。", name: "您的姓名（留空则按邀请中的姓名）",
    password: "密码", again: "再次输入密码", send: "加入", mismatch: "两次输入的密码不一致。",
    done: "已加入。请用此账号登录：", missing: "地址不完整：请复制整个链接。", away: "没有响应，请重试。",
  },
  "zh-Hant": {
    title: "您已獲邀", hint: "請設定至少 12 個字元的密碼。此連結只能使用一次。", name: "您的姓名（留空則按邀請中的姓名）",
    password: "密碼", again: "再次輸入密碼", send: "加入", mismatch: "兩次輸入的密碼不一致。",
    done: "已加入。請用此帳號登入：", missing: "網址不完整：請複製整個連結。", away: "沒有回應，請重試。",
  },
};
const spoken = navigator.language;
const language = !spoken.startsWith("zh") ? "en" : /TW|HK|MO|Hant/.test(spoken) ? "zh-Hant" : "zh-Hans";
const texts = TEXTS[language];
document.documentElement.lang = language;
for (const element of document.querySelectorAll("[data-text]")) {
  element.textContent = texts[element.dataset.text] ?? element.textContent;
}
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname); // not in the history, nor in a copied address
const form = document.querySelector("form");
const status = document.querySelector("[role=status]");
if (!token) status.textContent = texts.missing;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { name, password, again } = form.elements;
  if (password.value !== again.value) {
    status.textContent = texts.mismatch;
    return;
  }
  const body = JSON.stringify({ token, password: password.value, name: name.value.trim() || null });
  let answer, told;
  try {
    answer = await fetch("/api/v1/invitations/accept", { method: "POST", headers: { "content-type": "application/json" }, body });
    told = await answer.json();
  } catch {
    status.textContent = texts.away;
    return;
  }
  status.textContent = answer.ok ? `${texts.done} ${told.login}` : `${told.detail} ${told.advice}`;
  form.hidden = answer.ok;
});
