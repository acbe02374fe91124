"""A retriever for LangChain: a policy rewrites the question, an index of yours is searched, a chat model answers.

python docs/examples/langchain_rag.py bm25:///index POLICY "What is vitamin D good for?"
"""

import sys
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel, FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnablePassthrough

import sqlrl


class Rewriting(BaseRetriever):
    index: Any  # what sqlrl.connect gives for a search engine

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        answer = self.index.ask(query)
        if not answer:  # no time, no index: an empty list would say that there are no such documents
            raise RuntimeError(answer.message)
        return [Document(row["text"], id=row["id"], metadata={"title": row["title"]}) for row in answer.records()]


def chain(index: Any, model: BaseChatModel) -> Runnable[str, str]:
    prompt = ChatPromptTemplate.from_template("Answer from these documents alone.\n{documents}\n\nQuestion: {question}")
    documents = Rewriting(index=index) | (lambda found: "\n\n".join(each.page_content for each in found))
    return {"documents": documents, "question": RunnablePassthrough()} | prompt | model | StrOutputParser()


if __name__ == "__main__":
    with sqlrl.connect(sys.argv[1], sys.argv[2], rows=5) as index:
        model = FakeListChatModel(responses=["(put your chat model here)"])
        print(chain(index, model).invoke(sys.argv[3]))
